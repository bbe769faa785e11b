import type { ShippedPackage } from './shipped-packages.ts';

/** Licences that SPDX has an identifier for; anything longer is an expression. */
const IDENTIFIER = /^[\w.+-]+$/;

/**
 * A CycloneDX 1.6 bill of materials of what is shipped. Without serial number and time, so that the same package gives the same bytes.
 */
export function billOfMaterials(
  app: { readonly name: string; readonly version: string },
  packages: readonly ShippedPackage[],
): unknown {
  const components = packages.map(component);
  const self = `pkg:npm/${app.name}@${app.version}`;
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': self, name: app.name, version: app.version, purl: self } },
    components,
    dependencies: [{ ref: self, dependsOn: components.map(one => one['bom-ref']) }],
  };
}

function component({ name, version, license, integrity }: ShippedPackage) {
  const [group, plain] = name.startsWith('@') ? name.split('/') : [undefined, name];
  // A purl percent-encodes the scope's @.
  const purl = `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    ...(group ? { group } : {}),
    name: plain as string,
    version,
    ...(integrity?.startsWith('sha512-') ? { hashes: [{ alg: 'SHA-512', content: hex(integrity.slice(7)) }] } : {}),
    licenses: [IDENTIFIER.test(license) ? { license: { id: license } } : { expression: license }],
    purl,
  };
}

const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
