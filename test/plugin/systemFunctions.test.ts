import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import { readConfiguration } from '../../plugin/configuration/configuration';
import { addSystemFunctions, keepRole } from '../../plugin/systemFunctions';
import { frameworkWith } from './support/framework';

describe('system functions', () => {
  it('have names that fit Lambda, however long the service is called', () => {
    const framework = frameworkWith({}, { service: 'a'.repeat(48), stage: 'production' });
    addSystemFunctions(framework, readConfiguration(framework));
    const names = SYSTEM_FUNCTIONS.map(({ name }) => framework.service.functions[name]?.name ?? '');
    expect(names.filter((name) => !/^[a-zA-Z0-9-]{1,64}$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(SYSTEM_FUNCTIONS.length);
    expect(framework.service.functions['handleDeploymentRequest']?.environment).toMatchObject({
      EDGE_PERFORM_DEPLOYMENT: framework.service.functions['performDeployment']?.name,
    });
  });

  it('keep their role when the framework updates one of them', () => {
    const framework = frameworkWith({});
    addSystemFunctions(framework, readConfiguration(framework));
    const Role = 'arn:aws:iam::123456789012:role/shop-dev-EdgeValidateFunctionRole-1';
    framework.service.provider.remoteFunctionData = { Configuration: { Role } };
    keepRole(framework, 'validateFunction');
    keepRole(framework, 'readMeter');
    expect(framework.service.functions['validateFunction']?.role).toBe(Role);
    expect(framework.service.functions['createFunction']?.role).not.toBe(Role);
    expect(framework.service.functions['readMeter']?.role).toBeUndefined();
  });
});
