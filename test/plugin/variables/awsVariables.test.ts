import type { Serverless, Utils } from '../../../plugin/framework';
import { adviseOnAwsVariables } from '../../../plugin/variables/awsVariables';

/** What is said when the process ends with this configuration, as far as its variables were resolved. */
function saidAtTheEnd(configurationInput: Record<string, unknown>, resolved = false): string[] {
  const said: string[] = [];
  const before = process.listeners('exit');
  const log = { notice: (text: string) => said.push(text) };
  const callOff = adviseOnAwsVariables({ configurationInput } as Serverless, { log } as unknown as Utils);
  if (resolved) callOff();
  const added = process.listeners('exit').filter((listener) => !before.includes(listener));
  for (const listener of added) listener(1);
  callOff();
  return said;
}

describe('a variable that asks an AWS account', () => {
  it('is named, with a source that may come before it', () => {
    const [advice, ...others] = saidAtTheEnd({
      provider: { stage: '${opt:stage}', environment: { KEY: 'a ${ssm(eu-west-1):/shop/key} b' } },
    });
    expect(others).toEqual([]);
    expect(advice).toMatch(/\$\{ssm\(eu-west-1\):\/shop\/key\} at "provider\.environment\.KEY"/);
    expect(advice).toContain('${env:NAME, ssm(eu-west-1):/shop/key}');
  });

  it('is no matter once it is resolved, or where there is none', () => {
    const configuration = { custom: [{ account: '${aws:accountId}' }] };
    expect(saidAtTheEnd(configuration)).toHaveLength(1);
    expect(saidAtTheEnd(configuration, true)).toEqual([]);
    expect(saidAtTheEnd({ custom: '${env:X} ${self:y} ${sls:stage}' })).toEqual([]);
  });
});
