import { AwsError, type CloudContext } from '../../base/context';

/** `arn:aws:iot:<region>:<account>:<type>/<name>` */
export interface IotArns {
  of(
    type:
      'thing' | 'thinggroup' | 'cert' | 'policy' | 'rolealias' | 'rule' | 'client' | 'topic' | 'topicfilter',
    name: string,
  ): string;
  /** The certificate id of a principal's ARN. Throws InvalidRequestException when it is something else. */
  certificateId(principalArn: string): string;
}

export function iotArns({ region, account }: Pick<CloudContext, 'region' | 'account'>): IotArns {
  const prefix = `arn:aws:iot:${region}:${account}:`;
  return {
    of: (type, name) => `${prefix}${type}/${name}`,
    certificateId: (principalArn) => {
      const id = principalArn.startsWith(`${prefix}cert/`) ? principalArn.slice(prefix.length + 5) : '';
      if (/^[0-9a-f]{64}$/.test(id)) return id;
      throw new AwsError(
        'InvalidRequestException',
        `Expected the ARN of a certificate of this account and region; the local cloud has no other principals: ${principalArn}`,
      );
    },
  };
}
