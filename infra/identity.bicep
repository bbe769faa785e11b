import { Tags } from 'types.bicep'

metadata description = 'The one identity that the app runs as, on Functions, on Container Apps and on AKS; and KEDA\'s, where there is AKS.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string

@description('OIDC issuer URL of an AKS cluster; its service account hubscore/hubscore may then act as this identity, and KEDA\'s as one of its own.')
param aksOidcIssuerUrl string

@description('Kubernetes namespace that KEDA runs in.')
param kedaNamespace string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

resource aks 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (!empty(aksOidcIssuerUrl)) {
  parent: identity
  name: 'aks'
  properties: {
    issuer: aksOidcIssuerUrl
    subject: 'system:serviceaccount:hubscore:hubscore'
    audiences: ['api://AzureADTokenExchange']
  }
}

// KEDA reads the lag and nothing else, so it comes as itself.
resource kedaIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = if (!empty(aksOidcIssuerUrl)) {
  name: 'id-keda-${token}'
  location: location
  tags: tags
}

resource keda 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (!empty(aksOidcIssuerUrl)) {
  parent: kedaIdentity
  name: 'keda'
  properties: {
    issuer: aksOidcIssuerUrl
    subject: 'system:serviceaccount:${kedaNamespace}:keda-operator'
    audiences: ['api://AzureADTokenExchange']
  }
}

@description('Name.')
output name string = identity.name
@description('Resource id.')
output id string = identity.id
@description('Client id.')
output clientId string = identity.properties.clientId
@description('Object id.')
output principalId string = identity.properties.principalId

@description('Client id of KEDA\'s identity; empty: none.')
output kedaClientId string = empty(aksOidcIssuerUrl) ? '' : kedaIdentity!.properties.clientId

@description('Object id of KEDA\'s identity; empty: none.')
output kedaPrincipalId string = empty(aksOidcIssuerUrl) ? '' : kedaIdentity!.properties.principalId
