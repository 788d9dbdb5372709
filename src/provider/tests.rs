mod client;
mod desk;
mod directory;
mod mtls;
