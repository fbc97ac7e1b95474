// A page that is opened as a file may start no worker. The search then runs in a hidden frame, with the calls of a worker.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.waiting = [];  // messages from before the script is loaded
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      frame.addEventListener("load", () => this.start(frame.contentWindow, address), {once: true});
      document.documentElement.append(frame);
    }

    start(inside, address) {
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", {data}));
      inside.importScripts = (...addresses) =>
        addresses.reduce((before, next) => before.then(() => this.load(inside, next)), Promise.resolve());
      this.load(inside, address).then(() => {
        this.inside = inside;
        this.waiting.forEach((data) => this.postMessage(data));
      });
    }

    load(inside, address) {
      return new Promise((done, failed) => {
        const script = inside.document.createElement("script");
        script.src = address;
        script.onload = done;
        script.onerror = failed;
        inside.document.head.append(script);
      });
    }

    postMessage(data) {
      if (this.inside) this.inside.dispatchEvent(new MessageEvent("message", {data}));
      else this.waiting.push(data);
    }
  };
}
