metadata description = 'Option: the network. One subnet that the app\'s traffic leaves by, one for the private endpoints.'

param location string
param tags object
param token string

@description('A /22 or larger.')
param addressPrefix string

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          // Flex Consumption asks for this delegation and no other.
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
          // Tokens, certificate checks and extension bundles come from public addresses.
          defaultOutboundAccess: true
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
          privateEndpointNetworkPolicies: 'Disabled'
          defaultOutboundAccess: false
        }
      }
    ]
  }
}

output networkId string = network.id
output appSubnetId string = '${network.id}/subnets/app'
output endpointSubnetId string = '${network.id}/subnets/endpoints'
