import { engineConformance } from './conformance/suite';
import { directWorld } from './conformance/directWorld';
import { greengrassV2World } from './conformance/greengrassV2World';
import { greengrassWorld } from './conformance/greengrassWorld';

describe('engine direct', () => engineConformance(directWorld));
describe('engine greengrassv2, delivery hot', () => engineConformance(() => greengrassV2World('hot')));
describe('engine greengrassv2, delivery components', () =>
  engineConformance(() => greengrassV2World('components')));
describe('engine greengrass', () => engineConformance(greengrassWorld));
