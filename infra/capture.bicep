import { Tags } from 'types.bicep'

metadata description = 'Option: where Capture puts the requests, and the identity that it writes as. Deployed before the hubs, since a hub with Capture is refused until the identity may write.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string
@description('Days that it is kept.')
param retentionDays int
@description('Redundancy.')
param sku string

@description('Whether the public network may reach it, with a token.')
param publicAccess bool

@description('Container for captured requests.')
var containerName = 'requests'
@description('Storage Blob Data Contributor.')
var blobDataContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-capture-${token}'
  location: location
  tags: tags
}

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  name: 'stcapt${token}'
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
    // Capture is a trusted service: it gets in by its identity, with public access off too.
    networkAcls: { defaultAction: publicAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' = {
  parent: storage
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = {
  parent: blobs
  name: containerName
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2026-06-01' = {
  parent: storage
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'retention'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: retentionDays } } }
          }
        }
      ]
    }
  }
  dependsOn: [blobs]
}

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, 'capture', blobDataContributor)
  scope: container
  properties: {
    roleDefinitionId: blobDataContributor
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    description: 'Capture writes the requests hub\'s events here.'
  }
}

@description('Resource id of the storage.')
output storageId string = storage.id
@description('Container for captured requests.')
output container string = containerName
@description('Resource id of the identity that Capture writes as.')
output identityId string = identity.id
