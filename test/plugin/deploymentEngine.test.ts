import type { CompiledTemplate } from '../../plugin/framework';
import { templateOf } from './support/service';

interface Statement {
  Action: string[];
  Resource: unknown[];
}

function packaged(engine?: string): Promise<CompiledTemplate> {
  return templateOf((yaml) =>
    engine === undefined ? yaml : yaml.replace(/^edge:\n/m, `edge:\n  engine: ${engine}\n`),
  );
}

function statementsOf({ Resources }: CompiledTemplate, role = 'EdgePerformDeploymentRole'): Statement[] {
  const { Policies = [] } = (Resources[role]?.Properties ?? {}) as {
    Policies?: { PolicyDocument: { Statement: Statement[] } }[];
  };
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

const rules = ({ Resources }: CompiledTemplate): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(Resources)
      .filter(
        ([, { Type, Properties }]) => Type === 'AWS::Events::Rule' && 'EventPattern' in (Properties ?? {}),
      )
      .map(([name, { Properties }]) => [name, (Properties as { EventPattern: unknown }).EventPattern]),
  );

describe('what an engine adds to the template', () => {
  it('of direct is nothing', async () => {
    const template = await packaged();
    expect(rules(template)).toEqual({});
    expect(JSON.stringify(statementsOf(template))).not.toContain('greengrass:');
  });

  it('of greengrassv2 is the events of deployments and broken functions, and the rights to deploy', async () => {
    const template = await packaged('greengrassv2');
    expect(rules(template)).toEqual({
      EdgeDeploymentStatusRule: {
        source: ['aws.greengrass'],
        'detail-type': ['Greengrass V2 Effective Deployment Status Change'],
      },
      EdgeBrokenFunctionRule: {
        source: ['aws.greengrass'],
        'detail-type': ['Greengrass V2 Installed Component Status Change'],
        detail: {
          components: {
            componentName: [{ prefix: expect.stringMatching(/^edge\..+\.fn\.$/) }],
            lifecycleState: ['BROKEN'],
          },
        },
      },
    });
    for (const rule of ['EdgeDeploymentStatusRule', 'EdgeBrokenFunctionRule']) {
      expect(template.Resources[`${rule}Permission`]).toMatchObject({
        Type: 'AWS::Lambda::Permission',
        Properties: { Principal: 'events.amazonaws.com', SourceArn: { 'Fn::GetAtt': [rule, 'Arn'] } },
      });
    }
    const everything = statementsOf(template).filter(({ Resource }) => Resource.includes('*'));
    expect(everything.flatMap(({ Action }) => Action).sort()).toEqual([
      'greengrass:CreateDeployment',
      'greengrass:ListDeployments',
    ]);
    const components = statementsOf(template).find(({ Action }) =>
      Action.includes('greengrass:CreateComponentVersion'),
    );
    expect(JSON.stringify(components?.Resource)).toMatch(/:components:edge\.[^"]+\.fn\.\*"/);
  });
});

describe('what the role of cores may read of the functions bucket', () => {
  async function artifactsOf(engine: string): Promise<string[]> {
    return statementsOf(await packaged(engine), 'EdgeCoreRole')
      .filter(({ Action }) => Action.some((action) => action.startsWith('s3:')))
      .flatMap(({ Action, Resource }) => {
        expect(Action).toEqual(['s3:GetObject']);
        return Resource.map((each) => /\$\{Bucket\}\/([^"]+)"/.exec(JSON.stringify(each))?.[1] ?? '');
      });
  }

  it('is the artifacts of components on Greengrass', async () => {
    expect(await artifactsOf('greengrassv2')).toEqual(['core/*', 'host/*', 'packages/*']);
  });

  it('is nothing for a standalone core: it is given addresses', async () => {
    expect(await artifactsOf('direct')).toEqual([]);
  });
});
