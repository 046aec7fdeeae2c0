/**
 * One MQTT connection to one address. A link that was interrupted is never mended: a new one takes
 * its place, possibly at another address. `sdkLink.ts` makes it from the AWS IoT device SDK; any other
 * MQTT 3.1.1 client can stand in.
 */
export interface Link {
  /** At QoS 1 resolves when the broker has acknowledged, at QoS 0 when it is sent. Rejects when the link is lost. */
  publish(topic: string, payload: string, qos: QoS): Promise<void>;
  /** Resolves when the broker has granted it. */
  subscribe(filter: string, qos: QoS): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Says goodbye to the broker; `interrupted` is not called any more. Never rejects. */
  close(): Promise<void>;
}

export interface LinkEvents {
  message(topic: string, payload: Uint8Array): void;
  /** At most once, and only after the link was connected. */
  interrupted(error: Error): void;
}

/** An address where an edge core may listen. */
export interface Candidate {
  host: string;
  port: number;
  /** PEM of the authorities that may have signed the edge's certificate; absent: the system's. */
  ca?: string;
  /** It was given and not discovered: nobody says when the edge moves. */
  given?: boolean;
}

/**
 * Resolves when the broker has accepted the connection. Throws EdgeError: UNKNOWN_DEVICE when the edge
 * refused, EDGE_NOT_FOUND when it could not be reached or hung up. Stops when `signal` is aborted.
 */
export type OpenLink = (candidate: Candidate, events: LinkEvents, signal: AbortSignal) => Promise<Link>;

export type QoS = 0 | 1;

/**
 * Which QoS, and why. The device SDK cannot set TCP_NODELAY, so its kernel holds a small segment back
 * while an earlier one is not acknowledged, and the edge's kernel delays that acknowledgement by 40 ms
 * unless it has something to send. Measured on loopback (SDK 1.28, aedes 1.2, Linux):
 *
 * - Replies at QoS 1 make the client send a PUBACK that nobody answers; the next ask waits behind it: 44 ms.
 * - Asks at QoS 0 are as quick one at a time (0.2 ms either way), but when calls overlap, each waits
 *   behind the last until the edge answers: 40 ms on top of a function that takes 100.
 * - Asks at QoS 1 bring a PUBACK at once, which carries the acknowledgement: nothing ever waits.
 */
export const QOS = {
  /** See above. Delivery itself is guarded by the retry with the same request id, also across connections. */
  ask: 1,
  /** An asynchronous call has no reply: the PUBACK is the only sign that it arrived. */
  call: 1,
  /** Subscribed at 0, so that even an edge that publishes at 1 never provokes a PUBACK of ours. A lost
   *  reply comes again with the retry, from the edge's memory. */
  reply: 0,
  /** Retained, and followed by the next one. */
  status: 0,
  /** What functions publish: the edge sends it at 0, and to those who are connected. */
  shared: 0,
} as const satisfies Record<string, QoS>;
