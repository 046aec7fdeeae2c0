import { DescribeThingCommand } from '@aws-sdk/client-iot';
import { EdgeError } from '../../../protocol';
import type { ServiceAccess } from '../../groups/changeGroup';

/** Throws ResourceNotFoundException, as AWS IoT does. */
export async function thingArnOf({ operator }: ServiceAccess, thingName: string): Promise<string> {
  const { thingArn } = await operator.clients.iot.send(new DescribeThingCommand({ thingName }));
  if (thingArn === undefined) throw new EdgeError('NOT_FOUND', `there is no thing ${thingName}`);
  return thingArn;
}
