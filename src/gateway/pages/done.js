// The page that opened this window goes on by itself.
new BroadcastChannel("askara-session").postMessage(0);
close();
