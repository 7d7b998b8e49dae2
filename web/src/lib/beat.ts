// A clock outside of the page: browsers slow down the clocks of pages that are not looked at, and not this one.
setInterval(() => postMessage(0), 1000);
export {};
