import type { CloudContext } from '../../base/context';
import { invalidField } from './input';

/** Source: Service Authorization Reference, "Resource types defined by AWS IoT Greengrass V2". */
export interface ResourceArns {
  component: (name: string) => string;
  componentVersion: (name: string, version: string) => string;
  coreDevice: (thingName: string) => string;
  deployment: (deploymentId: string) => string;
  /** Of a component version of this account. Throws ValidationException for another form. */
  parseComponentVersion: (arn: string) => { name: string; version: string };
  /** Throws ValidationException. */
  parseComponent: (arn: string) => string;
}

/** Patterns of the service model. */
const COMPONENT_VERSION = /^arn:[^:]*:greengrass:[^:]*:(aws|[0-9]+):components:([^:]+):versions:([^:]+)$/;
const COMPONENT = /^arn:[^:]*:greengrass:[^:]*:(aws|[0-9]+):components:([^:]+)$/;

export function resourceArns({ region, account }: CloudContext): ResourceArns {
  const prefix = `arn:aws:greengrass:${region}:${account}`;
  const component = (name: string): string => `${prefix}:components:${name}`;
  return {
    component,
    componentVersion: (name, version) => `${component(name)}:versions:${version}`,
    coreDevice: (thingName) => `${prefix}:coreDevices:${thingName}`,
    deployment: (deploymentId) => `${prefix}:deployments:${deploymentId}`,
    parseComponentVersion(arn) {
      const [, , name, version] = COMPONENT_VERSION.exec(arn) ?? [];
      if (name === undefined || version === undefined) {
        throw invalidField(`arn must match ${COMPONENT_VERSION.source}`, 'arn');
      }
      return { name, version };
    },
    parseComponent(arn) {
      const name = COMPONENT.exec(arn)?.[2];
      if (name === undefined) throw invalidField(`arn must match ${COMPONENT.source}`, 'arn');
      return name;
    },
  };
}

export interface DeploymentTarget {
  kind: 'thing' | 'thinggroup';
  name: string;
}

const TARGET = /^arn:[^:]*:iot:([^:]*):([0-9]+):(thing|thinggroup)\/(.+)$/;

/** Throws ValidationException for what is no thing or thing group of this account and region. */
export function parseTarget(
  arn: string,
  { region, account }: CloudContext,
  field = 'targetArn',
): DeploymentTarget {
  const [, inRegion, inAccount, kind, name] = TARGET.exec(arn) ?? [];
  if (kind === undefined || name === undefined)
    throw invalidField(`${field} must match ${TARGET.source}`, field);
  if (inRegion !== region || inAccount !== account) {
    throw invalidField(`${field} is not of account ${account} in ${region}`, field);
  }
  return { kind: kind as DeploymentTarget['kind'], name };
}
