/** Options of `sls edge core init` that this platform alone has. */
export const greengrassOptions = {
  certificate: 'certificate id of a core device that has several',
  devices: "broker (the core's own, default) or pubsub (Greengrass's broker)",
  'server-dir': 'folder of server.pem and server.key on the node',
};
