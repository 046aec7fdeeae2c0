import type { CloudFormationTemplate } from '../../plugin/framework';
import { copyOf } from './support/service';

interface Statement {
  Action: string[];
  Resource: unknown[];
}

/** What cores may read of the functions bucket with the role that they assume. */
async function artifactsOf(engine: string): Promise<string[]> {
  const service = await copyOf('greenhouse', (yaml) =>
    yaml.replace(/^edge:\n/m, `edge:\n  engine: ${engine}\n`),
  );
  await service.sls('package');
  const { Resources }: CloudFormationTemplate = await service.template();
  const { Policies } = Resources['EdgeCoreRole']?.Properties as {
    Policies: { PolicyDocument: { Statement: Statement[] } }[];
  };
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .filter(({ Action }) => Action.some((action) => action.startsWith('s3:')))
    .flatMap(({ Action, Resource }) => {
      expect(Action).toEqual(['s3:GetObject']);
      return Resource.map((each) => /\$\{Bucket\}\/([^"]+)"/.exec(JSON.stringify(each))?.[1] ?? '');
    });
}

it('a Greengrass core may read the artifacts of its components, and nothing else', async () => {
  expect(await artifactsOf('greengrassv2')).toEqual(['core/*', 'host/*', 'packages/*']);
}, 60_000);

it('a standalone core may read nothing: it is given addresses', async () => {
  expect(await artifactsOf('direct')).toEqual([]);
}, 60_000);
