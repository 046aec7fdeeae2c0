import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import { readConfiguration } from '../../plugin/configuration/configuration';
import { lendForCommand, lendForUpload } from '../../plugin/systemFunctions';
import { frameworkWith } from './support/framework';

describe('system functions', () => {
  it('have names that fit Lambda, however long the service is called', () => {
    const { lambdaName } = readConfiguration(
      frameworkWith({}, { service: 'a'.repeat(48), stage: 'production' }),
    );
    const names = SYSTEM_FUNCTIONS.map(({ name }) => lambdaName(name));
    expect(names.filter((name) => !/^[a-zA-Z0-9-]{1,64}$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(SYSTEM_FUNCTIONS.length);
  });

  it('are functions of the service while the framework compares and uploads artifacts, and no longer', () => {
    const framework = frameworkWith({});
    const before = framework.service.functions;
    const giveBack = lendForUpload(framework, readConfiguration(framework), '/artifacts');
    expect(framework.service.functions['createFunction']).toMatchObject({
      name: 'shop-dev-createFunction',
      package: { artifact: '/artifacts/createFunction.zip' },
      events: [],
    });
    expect(framework.service.functions).toMatchObject(before);
    giveBack();
    expect(framework.service.functions).toBe(before);
  });

  it.each(['logs', 'invoke', 'metrics'])('are known to "sls %s"', (command) => {
    const framework = frameworkWith({});
    framework.processedInput = { commands: [command], options: {} };
    lendForCommand(framework, readConfiguration(framework), 'createFunction');
    expect(framework.service.functions['createFunction']?.name).toBe('shop-dev-createFunction');
    expect(framework.service.functions).not.toHaveProperty('validateFunction');
  });

  it('are updated by "sls deploy" alone', () => {
    const framework = frameworkWith({});
    framework.processedInput = { commands: ['deploy', 'function'], options: {} };
    const deploy = (name: string): void => lendForCommand(framework, readConfiguration(framework), name);
    expect(() => deploy('createFunction')).toThrow('createFunction is a system function');
    deploy('readMeter');
  });
});
