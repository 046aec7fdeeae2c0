import type { ChosenEngine } from '../../handlers/engines/descriptor';
import { engineNamed } from '../../handlers/engines/engines';
import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import { defaultCorePrefix } from '../../protocol';
import type { AwsProvider, Serverless } from '../framework';
import { bucketName, cloudFunctionPrefix, coreThingName, iotName, lambdaName, thingGroupName } from './names';
import { invalid, problemsOf, quoted, type Problem } from './problems';
import { referenceProblems } from './references';
import {
  edgeSectionJsonSchema,
  edgeSectionSchema,
  readableParts,
  type CheckedSection,
  type GroupSection,
} from './schema';

/** The checked `edge` section together with every name that the resources share. */
export interface EdgeConfiguration {
  section: CheckedSection;
  service: string;
  stage: string;
  region: string;
  engine: ChosenEngine;
  devicePrefix: string;
  corePrefix: string;
  /** CloudFormation values: a literal name or a `Fn::Sub`. */
  functionsBucket: unknown;
  stateBucket: unknown;
  /** Prefix of Lambda functions that createFunction makes. */
  cloudFunctionPrefix: string;
  roleAliasName: string;
  corePolicyName: string;
  devicePolicyName: string;
  /** Days. */
  logRetention: number;
  /** Name of a system function on Lambda. */
  lambdaName: (systemFunction: string) => string;
  /** Thing name of a group's core. */
  coreOf: (group: string) => string;
  /** Thing group of a group whose things the stack makes. */
  thingGroupOf: (group: string) => string | undefined;
}

const DEFAULT_LOG_DAYS = 30;

/** Whether the service asks for anything at all. A section that is empty does: it has defaults. */
export function hasSection({ configurationInput }: Pick<Serverless, 'configurationInput'>): boolean {
  return 'edge' in configurationInput;
}

/** Throws CONFIG_INVALID with every problem on a line of its own: path, what was found, what is expected. */
export function readConfiguration(serverless: Serverless): EdgeConfiguration {
  const provider = serverless.getProvider('aws') as AwsProvider | false;
  if (provider === false) throw invalid([unsupportedProvider(serverless)]);
  const { service } = serverless.service;
  const stage = provider.getStage();
  const section = checkedSection(serverless, `${service}-${stage}`);
  return {
    section,
    service,
    stage,
    region: provider.getRegion(),
    engine: { descriptor: engineNamed(section.engine.name), options: section.engine },
    ...namesOf(serverless, section, service, stage),
  };
}

function namesOf(serverless: Serverless, section: CheckedSection, service: string, stage: string) {
  const stackName = `${service}-${stage}`;
  const region = serverless.getProvider('aws').getRegion();
  return {
    devicePrefix: section.topics.prefix,
    corePrefix: defaultCorePrefix(service, stage),
    functionsBucket: section.buckets.functions?.name ?? bucketName(stackName, 'functions', region),
    stateBucket: section.buckets.state?.name ?? bucketName(stackName, 'state', region),
    cloudFunctionPrefix: cloudFunctionPrefix(stackName),
    roleAliasName: iotName(stackName, '-edge-core'),
    corePolicyName: iotName(stackName, '-edge-core'),
    devicePolicyName: iotName(stackName, '-edge-device'),
    logRetention:
      section.retention.logs ?? serverless.service.provider.logRetentionInDays ?? DEFAULT_LOG_DAYS,
    lambdaName: (systemFunction: string) => lambdaName(stackName, systemFunction),
    coreOf: (group: string) => coreOf(stackName, group, section.groups[group]),
    thingGroupOf: (group: string) =>
      section.groups[group]?.things ? thingGroupName(stackName, group) : undefined,
  };
}

function coreOf(stackName: string, group: string, entry: GroupSection | undefined): string {
  return entry?.core ?? coreThingName(stackName, group);
}

function checkedSection(serverless: Serverless, stackName: string): CheckedSection {
  const found = serverless.configurationInput['edge'] ?? {};
  const result = edgeSectionSchema.safeParse(found);
  const section = result.success ? result.data : readableParts(found);
  const problems = [
    ...endpointProblems(serverless),
    ...(result.success ? [] : problemsOf(result.error, found, 'edge', edgeSectionJsonSchema())),
    ...referenceProblems({
      section,
      functions: Object.keys(serverless.service.functions).filter((name) => !isSystemFunction(name)),
      coreOf: (group) => coreOf(stackName, group, section.groups[group]),
    }),
  ];
  if (problems.length > 0) throw invalid(problems);
  return section;
}

function endpointProblems(serverless: Serverless): Problem[] {
  if (!serverless.service.provider.httpApi?.disableDefaultEndpoint) return [];
  const path = 'provider.httpApi.disableDefaultEndpoint';
  return [{ path, text: 'found true, expected false: edge cores call the default endpoint' }];
}

function isSystemFunction(name: string): boolean {
  return SYSTEM_FUNCTIONS.some((each) => each.name === name);
}

function unsupportedProvider(serverless: Serverless): Problem {
  return { path: 'provider.name', text: `found ${quoted(serverless.service.provider.name)}, expected "aws"` };
}
