import { Tags } from 'types.bicep'

metadata description = 'Option: the network. One subnet that the app\'s traffic leaves by, one for the private endpoints, one for Container Apps. What leaves goes by a NAT gateway: Azure gives new networks no way out of its own.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string

@description('A /22 or larger.')
param addressPrefix string

resource address 'Microsoft.Network/publicIPAddresses@2026-03-01' = {
  name: 'ip-nat-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource nat 'Microsoft.Network/natGateways@2026-03-01' = {
  name: 'nat-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIpAddresses: [{ id: address.id }] }
}

resource network 'Microsoft.Network/virtualNetworks@2026-03-01' = {
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
          natGateway: { id: nat.id }
          defaultOutboundAccess: false
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
      {
        name: 'containers'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 2)
          delegations: [{ name: 'container-apps', properties: { serviceName: 'Microsoft.App/environments' } }]
          natGateway: { id: nat.id }
          defaultOutboundAccess: false
        }
      }
    ]
  }
}

@description('Resource id.')
output networkId string = network.id
@description('Subnet that the app\'s traffic leaves by.')
output appSubnetId string = '${network.id}/subnets/app'
@description('Subnet for private endpoints.')
output endpointSubnetId string = '${network.id}/subnets/endpoints'
@description('Subnet for Container Apps.')
output containerSubnetId string = '${network.id}/subnets/containers'
