/** JSON as the AWS CLI prints it → XML as the query protocols of AWS have it. */

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

type Naming = (key: string, parent: string) => string;

function encoded(value: unknown, name: string, key: string, item: string, naming: Naming): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) {
    const items = value.map((one) => encoded(one, item, key, item, naming)).join('');
    return `<${name}>${items}</${name}>`;
  }
  if (typeof value === 'object') return `<${name}>${members(value, key, item, naming)}</${name}>`;
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}

const members = (value: object, parent: string, item: string, naming: Naming): string =>
  Object.entries(value)
    .map(([key, one]) => encoded(one, naming(key, parent), key, item, naming))
    .join('');

export const elasticLoadBalancingXml = (value: object): string => members(value, '', 'member', (key) => key);

/** Names in the XML of EC2 that are not the member's with a small first letter (API reference of each type). */
const EC2: Record<string, string> = {
  SecurityGroups: 'securityGroupInfo',
  'Instances.SecurityGroups': 'groupSet',
  'SecurityGroups.Description': 'groupDescription',
  'IpPermissions.UserIdGroupPairs': 'groups',
  'IpPermissionsEgress.UserIdGroupPairs': 'groups',
  NetworkAcls: 'networkAclSet',
  Associations: 'associationSet',
  Entries: 'entrySet',
  IsDefault: 'default',
  PrefixLists: 'prefixListSet',
  Subnets: 'subnetSet',
  RouteTables: 'routeTableSet',
  Routes: 'routeSet',
  NetworkInterfaces: 'networkInterfaceSet',
  PrivateIpAddresses: 'privateIpAddressesSet',
  Ipv6Addresses: 'ipv6AddressesSet',
  Ipv4Prefixes: 'ipv4PrefixSet',
  Groups: 'groupSet',
  Reservations: 'reservationSet',
  Instances: 'instancesSet',
  'Instances.State': 'instanceState',
  'Instances.StateTransitionReason': 'reason',
  Tags: 'tagSet',
};

export const ec2Xml = (value: object): string =>
  members(
    value,
    '',
    'item',
    (key, parent) => EC2[`${parent}.${key}`] ?? EC2[key] ?? key.charAt(0).toLowerCase() + key.slice(1),
  );

/** Items of a list are named after what they are. */
const CLOUDFRONT_ITEMS: Record<string, string> = { Aliases: 'CNAME', Origins: 'Origin' };

/** The members of a list of CloudFront: `Items` holds distributions or VPC origins. */
export function cloudFrontXml({ Items = [], ...rest }: { Items?: object[] }): string {
  const item = 'OriginEndpointArn' in (Items[0] ?? {}) ? 'VpcOriginSummary' : 'DistributionSummary';
  const inner = (value: object): string =>
    Object.entries(value)
      .map(([key, one]) => {
        const items: unknown = typeof one === 'object' && one !== null && 'Items' in one ? one.Items : undefined;
        if (!Array.isArray(items)) return encoded(one, key, key, 'member', (name) => name);
        const name = CLOUDFRONT_ITEMS[key] ?? 'member';
        const texts = items.map((each) =>
          typeof each === 'object'
            ? `<${name}>${inner(each)}</${name}>`
            : `<${name}>${escapeXml(String(each))}</${name}>`,
        );
        return `<${key}><Quantity>${items.length}</Quantity><Items>${texts.join('')}</Items></${key}>`;
      })
      .join('');
  return `${inner(rest)}<Items>${Items.map((one) => `<${item}>${inner(one)}</${item}>`).join('')}</Items>`;
}
