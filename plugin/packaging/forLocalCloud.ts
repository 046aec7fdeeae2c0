import type { ServerlessService } from '../framework';

/** An image that the framework takes as it is: with a digest it asks neither AWS nor Docker. */
const IMAGE = `000000000000.dkr.ecr.us-east-1.amazonaws.com/image@sha256:${'0'.repeat(64)}`;

/**
 * What goes to the local cloud is packaged without AWS and without Docker: layers and images, which it does not
 * have, are taken out before the framework asks for them. The functions stay.
 */
export function withoutLayersAndImages(service: ServerlessService): void {
  service.layers = {};
  for (const definition of Object.values(service.functions)) {
    if (definition.image !== undefined) definition.image = IMAGE;
  }
}
