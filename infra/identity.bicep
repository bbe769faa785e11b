metadata description = 'The one identity that the app runs as, on Functions, on Container Apps and on AKS.'

param location string
param tags object
param token string

@description('OIDC issuer URL of an AKS cluster; its service account hubscore/hubscore, and KEDA\'s, may then act as this identity.')
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

// KEDA reads the lag. One credential after the other: the identity takes no two at once.
resource keda 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (!empty(aksOidcIssuerUrl)) {
  parent: identity
  name: 'keda'
  properties: {
    issuer: aksOidcIssuerUrl
    subject: 'system:serviceaccount:${kedaNamespace}:keda-operator'
    audiences: ['api://AzureADTokenExchange']
  }
  dependsOn: [aks]
}

output name string = identity.name
output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
