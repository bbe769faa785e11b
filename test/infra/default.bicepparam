// What `azd up` deploys where nothing is set; default.snapshot.json is every resource of it, worked out by the compiler.
using '../../infra/main.bicep'

param environmentName = 'default'
param location = 'westeurope'
param principalId = '11111111-1111-1111-1111-111111111111'
