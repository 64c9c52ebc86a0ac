using GlobalCache.Infra;
using Pulumi;

return await Deployment.RunAsync(GridStack.Build);
