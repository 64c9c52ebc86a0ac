namespace Pulumi;

/// <summary>The run under way.</summary>
public static class Deployment
{
    public static DeploymentInstance Instance => new(Recording.Current);
}

public sealed class DeploymentInstance
{
    private readonly Recording _recording;

    internal DeploymentInstance(Recording recording) => _recording = recording;

    public string StackName => _recording.Stack;

    public string RootDirectory => _recording.Root;

    public bool IsDryRun => _recording.IsPreview;

    /// <summary>Asks the cloud something; answered in a preview too.</summary>
    public Output<T> Invoke<T>(string token, InvokeArgs args) => Output.Create((T)_recording.Call(token, args));
}

public static class Log
{
    public static void Info(string message, Resource? resource = null) => Recording.Current.Said.Add(message);
}

/// <summary>Ends a run with what it says, and no stack trace.</summary>
public class RunException(string message) : Exception(message);
