"use strict";
(() => {
  const { src, dataset } = document.currentScript;
  const at = (page) => new URL(page, src);
  const channel = new BroadcastChannel("askara-session");
  const askara = (window.askara = new EventTarget());
  const tell = (type, detail) => askara.dispatchEvent(new CustomEvent(type, { detail }));
  const warn = +dataset.warn || 120;
  let signedIn, ends, warned, timer, looking;

  const ask = async () => {
    let wait = 300;
    try {
      const answer = await fetch(at("userinfo?watch"), { cache: "no-store" });
      if (answer.ok) {
        const user = await answer.json();
        const seconds = user.expiresIn;
        ends = Date.now() + seconds * 1e3;
        if (signedIn === false) tell("signed-in", user);
        signedIn = true;
        if (seconds > warn) warned = false;
        else if (!warned) {
          warned = true;
          tell("expiring", { seconds });
        }
        wait = Math.min(wait, seconds > warn ? seconds - warn : seconds + 1);
      } else if (answer.status === 401) {
        const was = signedIn;
        signedIn = false;
        if (was) tell(Date.now() + 2e3 > ends ? "expired" : "signed-out");
      }
    } catch {}
    looking = 0;
    clearTimeout(timer);
    timer = setTimeout(() => document.hidden || look(), wait * 1e3);
    return signedIn;
  };
  const look = () => (looking ||= ask());

  askara.stay = () => fetch(at("userinfo")).then(look);
  askara.login = () =>
    new Promise((resolve, reject) => {
      const done = encodeURIComponent(at("done").pathname);
      const popup = open(at("start?rd=" + done), "", "popup,width=500,height=700");
      if (!popup) return reject(Error("blocked"));
      signedIn = false;
      askara.addEventListener("signed-in", resolve, { once: true });
      const check = setInterval(async () => {
        if (!signedIn && !(popup.closed && document.hasFocus())) return;
        clearInterval(check);
        (await look()) || reject(Error("closed"));
      }, 500);
    });

  channel.onmessage = look;
  document.addEventListener("visibilitychange", () => document.hidden || look());
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[href*=sign_out],[action*=sign_out]"))
      addEventListener("pagehide", () => channel.postMessage(0));
  });
  look();
})();
