/**
 * A device on aws-iot-device-sdk-v2, in a process of its own because the SDK's client is native code.
 * Argument: JSON { host, port, clientId, cert, key, ca (paths), topic, count }. Publishes `count`
 * messages to `topic`, waits until each came back, then publishes to `forbidden` if given and waits
 * for the end of the connection. Prints one JSON line: { received, refused? } or { error }.
 */
import awsIot from 'aws-iot-device-sdk-v2';

const { iot, mqtt } = awsIot;
const input = JSON.parse(process.argv[2] ?? '{}');

function connect() {
  const config = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(input.cert, input.key)
    .with_certificate_authority_from_path(undefined, input.ca)
    .with_endpoint(input.host)
    .with_port(input.port)
    .with_client_id(input.clientId)
    .with_clean_session(true)
    .build();
  return new mqtt.MqttClient().new_connection(config);
}

async function echo(connection) {
  const received = [];
  let finish;
  const all = new Promise((resolve) => (finish = resolve));
  await connection.subscribe(input.topic, mqtt.QoS.AtLeastOnce, (_topic, payload) => {
    received.push(Buffer.from(payload).toString());
    if (received.length === input.count) finish();
  });
  for (let n = 0; n < input.count; n += 1) {
    await connection.publish(input.topic, `message ${n}`, mqtt.QoS.AtLeastOnce);
  }
  await all;
  return received;
}

async function provoke(connection) {
  const interrupted = new Promise((resolve) => connection.once('interrupt', () => resolve(true)));
  connection.publish(input.forbidden, 'x', mqtt.QoS.AtLeastOnce).catch(() => undefined);
  return interrupted;
}

try {
  const connection = connect();
  await connection.connect();
  const received = await echo(connection);
  const refused = input.forbidden === undefined ? undefined : await provoke(connection);
  console.log(JSON.stringify({ received, refused }));
  await connection.disconnect();
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
process.exit(0);
