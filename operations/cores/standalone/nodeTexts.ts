/** Files for people and for systemd that go to the node with a core. */

const FOLDER = '/opt/edge-';

export function systemdUnit(group: string): string {
  return `# As root, in the folder that "sls edge core init" made:
#   useradd --system edge; cp -r . ${FOLDER}${group}; chown -R edge ${FOLDER}${group}
#   cp edge-${group}.service /etc/systemd/system/; systemctl enable --now edge-${group}
[Unit]
Description=Edge core of group ${group} (serverless-edge-on-demand)
Wants=network-online.target
After=network-online.target

[Service]
User=edge
WorkingDirectory=${FOLDER}${group}
ExecStart=/usr/bin/env node core.cjs --config core.json
Restart=always
RestartSec=2
# A core ends its functions in order on SIGTERM.
TimeoutStopSec=15
NoNewPrivileges=true
ProtectSystem=full
ProtectHome=true
PrivateTmp=true

[Install]
WantedBy=multi-user.target
`;
}

export function coreReadme(group: string, command: string): string {
  return `# Edge core of group ${group}

Needs Node.js >= 20.19 and nothing else. Copy this folder to the node; it holds private keys. Start it:

    ${command}

It logs JSON lines to stdout and stops on SIGTERM. \`state/\` survives restarts. To run it for good, see
\`edge-${group}.service\`. Its server certificate is valid for 397 days: run \`sls edge core init\` again
with this folder as \`--out\`, copy it here again, and restart the core, which reads it when it starts.
`;
}
