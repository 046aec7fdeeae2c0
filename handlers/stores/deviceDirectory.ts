import {
  DescribeCertificateCommand,
  ListPrincipalThingsCommand,
  ResourceNotFoundException,
  type IoTClient,
} from '@aws-sdk/client-iot';
import type { DeviceDirectory } from '../ports';

/** Things and their certificates in the AWS IoT registry. */
export class IotDeviceDirectory implements DeviceDirectory {
  constructor(private readonly iot: IoTClient) {}

  /** A certificate on several things names none of them for certain: undefined. */
  async find(certificateId: string): Promise<{ thingName: string } | undefined> {
    const principal = await this.activeCertificate(certificateId);
    if (principal === undefined) return undefined;
    const { things } = await this.iot.send(new ListPrincipalThingsCommand({ principal, maxResults: 2 }));
    const [thingName, ...others] = things ?? [];
    return thingName === undefined || others.length > 0 ? undefined : { thingName };
  }

  private async activeCertificate(certificateId: string): Promise<string | undefined> {
    try {
      const { certificateDescription } = await this.iot.send(
        new DescribeCertificateCommand({ certificateId }),
      );
      return certificateDescription?.status === 'ACTIVE' ? certificateDescription.certificateArn : undefined;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }
}
