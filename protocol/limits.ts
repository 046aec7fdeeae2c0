/** Limits that more than one part relies on. Bytes unless the name says otherwise. */

/** AWS IoT Core: the largest MQTT payload. */
export const MAX_MQTT_PAYLOAD = 128 * 1024;
/** AWS IoT Core: the longest topic, in UTF-8 bytes, and its most slashes. */
export const MAX_TOPIC_BYTES = 256;
export const MAX_TOPIC_SLASHES = 7;
/** A core's definition update stays under this, so that updates remain cheap to store and merge. */
export const MAX_UPDATE_PAYLOAD = 2 * 1024;

/** Lambda's limits for a function package: zipped and unzipped. */
export const MAX_PACKAGE_BYTES = 50 * 1024 * 1024;
export const MAX_UNPACKED_BYTES = 250 * 1024 * 1024;
export const MAX_PACKAGE_ENTRIES = 50_000;
export const MAX_CONFIG_BYTES = 64 * 1024;

/** How long an edge core that runs on remembers the answer to a request id, so that a retry does not run it twice. */
export const REQUEST_MEMORY_MS = 10 * 60_000;
/** The longest synchronous invocation that a device may ask for. */
export const MAX_INVOKE_TIMEOUT_MS = 900_000;

/** Characters of what a function throws, as it travels to a device. */
export const MAX_ERROR_TYPE_CHARS = 128;
export const MAX_ERROR_MESSAGE_CHARS = 8192;
