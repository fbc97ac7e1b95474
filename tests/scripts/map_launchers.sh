#!/usr/bin/env bash
# Maps by several processes of a real mpirun and a real Slurm: map_launchers.sh SOURCE BUILD. Starts munged, slurmctld and
# slurmd of its own, on free ports and with all files in a temporary folder. Leaves out a launcher that is not
# installed, and exits with 77 without both, or without GDAL's programs.
set -euo pipefail
source=$1 map=$2/tools/ccexpert-map
work=$(mktemp -d)
chmod 711 "$work"
daemons=()
stop() {
  [ ${#daemons[@]} -eq 0 ] || kill "${daemons[@]}" 2> /dev/null || true
  wait
  rm -rf "$work"
}
trap stop EXIT
PATH=$PATH:/usr/sbin:/sbin
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive

fail() { echo "$*"; tail -n 20 "$work"/*.log; exit 1; }
has() { for program in "$@"; do command -v "$program" > /dev/null || return 1; done; }

slurm=(munged slurmctld slurmd srun sbatch sinfo)
has mpirun || has "${slurm[@]}" || { echo "neither mpirun nor Slurm (slurmctld, slurmd, slurm-client, munge) is installed"; exit 77; }
has gdal_translate ogr2ogr || { echo "GDAL's programs (gdal-bin) are not installed"; exit 77; }

for date in before after; do
  gdal_translate -q -a_srs EPSG:32633 -a_ullr 500000 5000128 500128 5000000 "$source/docs/images/demo/$date.png" "$work/$date.tif"
done
options=(--model "$source/models/demo" "$work/before.tif" "$work/after.tif" --tile 64 --all --threads 1 -b 1 --max-new-tokens 6)

# layers FOLDER: prints both layers of a map, and its summary.
layers() {
  for layer in tiles changes; do ogr2ogr -f CSV /vsistdout/ "$1/changes.gpkg" $layer -lco GEOMETRY=AS_WKT; done
  cat "$1/changes.summary.json"
}
# expect_whole FOLDER WHAT: the map in FOLDER equals that of one process.
expect_whole() {
  layers "$1" > "$1/layers" || fail "expected a map $2"
  diff "$work/one/layers" "$1/layers" || fail "expected the map of one process $2"
  echo "$2: equal to one process"
}

mkdir "$work"/{one,mpi,ranks,array}
"$map" "${options[@]}" -o "$work/one/changes.gpkg" > "$work/one.log" 2>&1 || fail "expected a map of one process"
layers "$work/one" > "$work/one/layers"
[ "$(grep -c '^"POLYGON' "$work/one/layers")" -eq 16 ] || fail "expected 16 tiles"

if has mpirun; then
  as_root=()
  if [ "$(id -u)" -eq 0 ]; then as_root=(--allow-run-as-root); fi
  mpirun "${as_root[@]}" --oversubscribe -n 3 "$map" "${options[@]}" -o "$work/mpi/changes.gpkg" --resume \
    > "$work/mpi.log" 2>&1 || fail "expected mpirun to map"
  expect_whole "$work/mpi" "mpirun of 3 ranks"
  [ -z "$(find "$work/mpi" -name '*.shard-*')" ] || fail "expected the last rank to remove the shards"
fi

# configure_slurm HOST PORT PORT: writes the configuration of a cluster of this machine alone.
configure_slurm() {
  cat > "$work/slurm.conf" << CONFIG
ClusterName=ccexpert
SlurmctldHost=$1(127.0.0.1)
SlurmctldPort=$2
SlurmdPort=$3
AuthInfo=socket=$work/munge.socket
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/builtin
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$1 NodeAddr=127.0.0.1 CPUs=4
PartitionName=maps Nodes=$1 Default=YES State=UP
CONFIG
}

start_slurm() {
  local ports host
  host=$(hostname -s)
  read -r -a ports < <(python3 -S -c 'import socket
open_sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in open_sockets))')
  configure_slurm "$host" "${ports[@]}"
  export SLURM_CONF=$work/slurm.conf
  mkdir "$work/state" "$work/spool"
  (umask 077 && head -c 1024 /dev/urandom > "$work/munge.key")
  munged --force --foreground --key-file "$work/munge.key" --socket "$work/munge.socket" --pid-file "$work/munge.pid" \
    --log-file "$work/munge.log" --seed-file "$work/munge.seed" > "$work/munged.log" 2>&1 &
  daemons+=($!)
  slurmctld -D -L "$work/slurmctld.log" > /dev/null 2>&1 &
  daemons+=($!)
  slurmd -D -N "$host" -L "$work/slurmd.log" > /dev/null 2>&1 &
  daemons+=($!)
  for _ in $(seq 100); do
    if sinfo -h -t idle 2> /dev/null | grep -q "$host"; then return; fi
    sleep 0.2
  done
  fail "expected the node of Slurm to become idle"
}

if has "${slurm[@]}"; then
  start_slurm
  srun --ntasks 3 "$map" "${options[@]}" -o "$work/ranks/changes.gpkg" --resume > "$work/ranks.log" 2>&1 ||
    fail "expected srun to map"
  expect_whole "$work/ranks" "srun of 3 ranks"
  [ -z "$(find "$work/ranks" -name '*.shard-*')" ] || fail "expected the last rank to remove the shards"

  printf '#!/bin/sh\n"$MAP" "$@" -o "$OUTPUT" --shard $SLURM_ARRAY_TASK_ID/4 --resume\n' > "$work/job.sh"
  MAP=$map OUTPUT=$work/array/changes.gpkg sbatch --array=1-4 --wait -o "$work/array.%a.log" "$work/job.sh" "${options[@]}" \
    > "$work/array.log" 2>&1 || fail "expected the jobs of the array to map"
  [ ! -e "$work/array/changes.gpkg" ] || fail "expected no layers before the merge"
  "$map" merge -o "$work/array/changes.gpkg" > "$work/merge.log" 2>&1 || fail "expected the shards to be merged"
  expect_whole "$work/array" "Slurm array of 4 jobs, merged"
fi
