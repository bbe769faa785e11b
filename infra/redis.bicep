import { Tags } from 'types.bicep'

metadata description = 'Option: Azure Managed Redis as the result cache that instances share. Entra tokens only; losing it costs speed, never results.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string
@description('Object id of the app\'s identity.')
param appPrincipalId string
@description('Whether the public network may reach it, with a token.')
param publicAccess bool

resource redis 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: 'redis-${token}'
  location: location
  tags: tags
  sku: { name: 'Balanced_B0' }
  properties: {
    // A cache needs no replica: half the price.
    highAvailability: 'Disabled'
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: redis
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: 10000
    // One endpoint for a client that knows nothing of clusters.
    clusteringPolicy: 'EnterpriseCluster'
    evictionPolicy: 'AllKeysLRU'
    accessKeysAuthentication: 'Disabled'
  }
}

resource app 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'app'
  properties: {
    accessPolicyName: 'default'
    user: { objectId: appPrincipalId }
  }
}

@description('Resource id.')
output id string = redis.id
@description('Address.')
output url string = 'rediss://${redis.properties.hostName}:10000'
