/** Attribute of things that a service made; its value is the prefix of the service's core topics. */
export const MADE_BY = 'edge-service';
