import { Tags } from 'types.bicep'

metadata description = 'One private endpoint, the DNS zones that its names are found in, and the zones\' links to the network.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Name of the endpoint.')
param name string
@description('Resource id of the network.')
param networkId string
@description('Resource id of the subnet for endpoints.')
param subnetId string

@description('Resource that the endpoint leads to.')
param targetId string

@description('Which of its services: blob, namespace, sites, …')
param groupId string

@description('Private DNS zones for its names.')
param zones string[]

resource endpoint 'Microsoft.Network/privateEndpoints@2026-03-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    customNetworkInterfaceName: 'nic-${name}'
    privateLinkServiceConnections: [
      { name: name, properties: { privateLinkServiceId: targetId, groupIds: [groupId] } }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zoneName in zones: {
    name: zoneName
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for i in range(0, length(zones)): {
    parent: zone[i]
    name: 'network'
    location: 'global'
    tags: tags
    properties: { virtualNetwork: { id: networkId }, registrationEnabled: false }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2026-03-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      for i in range(0, length(zones)): {
        name: replace(zones[i], '.', '-')
        properties: { privateDnsZoneId: zone[i].id }
      }
    ]
  }
}
