import { Tags } from 'types.bicep'

metadata description = 'What the Functions host keeps for itself: the package, checkpoints and partition ownership, timers. No shared keys.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string
@description('Redundancy.')
param sku string

@description('Whether the public network may reach it, with a token.')
param publicAccess bool

@description('Container that the package is deployed to.')
var packages = 'packages'

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  name: 'sthost${token}'
  location: location
  tags: tags
  sku: { name: sku }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: publicAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' = {
  parent: storage
  name: 'default'
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = {
  parent: blobs
  name: packages
}

@description('Resource id.')
output id string = storage.id
@description('Name.')
output name string = storage.name
@description('Container that the package is deployed to.')
output packageContainer string = packages
