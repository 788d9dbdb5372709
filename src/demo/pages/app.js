"use strict";

const element = (id) => document.getElementById(id);

element("fetch").addEventListener("click", async () => {
  const result = element("fetch-result");
  result.textContent = "…";
  try {
    const answer = await fetch("/api/time", { headers: { accept: "application/json" } });
    const text = await answer.text();
    if (answer.status === 401) {
      showSignIn(result, text);
    } else {
      result.textContent = `${answer.status} ${text}`;
    }
  } catch (error) {
    result.textContent = `no answer: ${error.message}`;
  }
});

function showSignIn(result, text) {
  let title = "not signed in";
  try {
    title = JSON.parse(text).title ?? title;
  } catch {
    // Whoever answered 401 did not send JSON; the status says enough.
  }
  const link = document.createElement("a");
  link.href = `/oauth2/start?rd=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = "Log in";
  result.replaceChildren(`401 ${title} `, link);
}

let socket = null;

element("ws-open").addEventListener("click", () => {
  if (socket) {
    socket.close();
    return;
  }
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws`);
  element("ws-open").textContent = "Disconnect";
  socket.addEventListener("open", () => {
    element("ws-send").disabled = false;
    log("connected");
  });
  socket.addEventListener("message", (event) => log(`← ${event.data}`));
  socket.addEventListener("close", (event) => {
    socket = null;
    element("ws-open").textContent = "Connect";
    element("ws-send").disabled = true;
    log(`closed (${event.code})`);
  });
});

element("ws-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = element("ws-text");
  if (socket?.readyState !== WebSocket.OPEN) {
    return;
  }
  socket.send(input.value);
  log(`→ ${input.value}`);
  input.value = "";
});

function log(line) {
  const output = element("ws-log");
  output.append(`${line}\n`);
  output.scrollTop = output.scrollHeight;
}

const { askara } = window;

if (askara) {
  const say = (line) => element("session-log").append(`${line}\n`);
  askara.addEventListener("expiring", (event) => say(`ends in ${event.detail.seconds} s`));
  askara.addEventListener("expired", () => say("has ended"));
  askara.addEventListener("signed-out", () => say("was signed out"));
  askara.addEventListener("signed-in", (event) => say(`is ${event.detail.user}'s`));
  element("session-login").addEventListener("click", async () => {
    try {
      await askara.login();
      say("login is done");
    } catch (error) {
      say(`no login: ${error.message}`);
    }
  });
}
