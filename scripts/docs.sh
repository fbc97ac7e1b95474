#!/usr/bin/env bash
# Builds the site of the documents with the C++ API into build/docs/site: scripts/docs.sh. Warnings are errors.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"
[ $# -eq 0 ] || die "usage: scripts/docs.sh"
command -v doxygen > /dev/null || die "doxygen: expected the program, got none (scripts/setup.sh --docs installs it)"
[ -d "$docs_tools" ] || die "$docs_tools: expected MkDocs, got no folder (scripts/setup.sh --docs installs it)"

output=$repository/build/docs
mkdir -p "$output"
rm -rf "$output/site"
say "documents"
python3 scripts/docs_site.py "$repository" "$output"
say "C++ API of the public headers"
mkdir "$output/source/api"
CCEXPERT_API=$output/source/api CCEXPERT_VERSION=$(< VERSION) doxygen docs/site/Doxyfile
say "site"
PYTHONPATH=$docs_tools python3 -m mkdocs build --quiet --strict --config-file "$output/mkdocs.yml"
# Links may lead to the web; nothing of a page may come from there.
if grep -rlE '<(script|img|iframe|source)[^>]* src="?(https?:)?//|<link[^>]* href="?(https?:)?//[^>]*(stylesheet|icon|preload|preconnect)' \
  "$output/site" --include='*.html'; then
  die "expected pages that need no network, got those above"
fi
say "site: $output/site/index.html ($(find "$output/site" -name '*.html' | wc -l) pages)"
