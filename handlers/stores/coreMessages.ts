import { PublishCommand, type IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { coreTopic, type CoreKind, type ErrorBody, type RevisionNotice } from '../../protocol';
import type { CoreMessages, RevisionNotices } from '../ports';

/** Messages to a core on its own topics, QoS 1, over the IoT data plane. */
export class IotCoreMessages implements CoreMessages, RevisionNotices {
  constructor(
    private readonly iot: IoTDataPlaneClient,
    private readonly prefix: string,
  ) {}

  async accepted(core: string, requestId: string): Promise<void> {
    await this.publish(core, 'accepted', { requestId });
  }

  async refused(core: string, requestId: string | undefined, error: ErrorBody): Promise<void> {
    await this.publish(core, 'refused', { ...(requestId !== undefined && { requestId }), error });
  }

  async announce(core: string, notice: RevisionNotice): Promise<void> {
    await this.publish(core, 'revision', notice, notice.error === undefined);
  }

  private async publish(core: string, kind: CoreKind, message: object, retain = false): Promise<void> {
    const topic = coreTopic(this.prefix, core, kind);
    const payload = Buffer.from(JSON.stringify(message));
    await this.iot.send(new PublishCommand({ topic, qos: 1, payload, ...(retain && { retain }) }));
  }
}
