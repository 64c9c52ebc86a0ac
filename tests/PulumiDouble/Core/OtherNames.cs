namespace Pulumi;

// The other public names of the SDK's first namespace (version 3.112.1). The stack uses none of them; they stand here so that a name which is one of these and one of
// Pulumi.Aws' as well does not compile here either.

public static class Alias;

public static class Archive;

public static class Asset;

public static class AssetArchive;

public static class CallArgs;

public static class CallOptions;

public static class Config;

public static class CustomTimeouts;

public static class DeferredOutput;

public static class DictionaryInvokeArgs;

public static class DictionaryResourceArgs;

public static class DiscriminatedUnionCaseAttribute;

public static class DiscriminatedUnionDiscriminatorAttribute;

public static class ErrorHook;

public static class ErrorHookArgs;

public static class ErrorHookCallback;

public static class FileArchive;

public static class InputArgs;

public static class InputExtensions;

public static class InputJson;

public static class InputListExtensions;

public static class InputMapExtensions;

public static class InvokeOptions;

public static class InvokeOutputOptions;

public static class InvokeTransform;

public static class InvokeTransformArgs;

public static class InvokeTransformResult;

public static class LogException;

public static class OutputConstructorParameterAttribute;

public static class OutputExtensions;

public static class PackageParameterization;

public static class ProviderResource;

public static class RegisterPackageRequest;

public static class RemoteArchive;

public static class RemoteAsset;

public static class ResourceException;

public static class ResourceHook;

public static class ResourceHookArgs;

public static class ResourceHookBinding;

public static class ResourceHookCallback;

public static class ResourceHookOptions;

public static class ResourceTransform;

public static class ResourceTransformArgs;

public static class ResourceTransformResult;

public static class ResourceTransformation;

public static class ResourceTransformationArgs;

public static class ResourceTransformationResult;

public static class ResourceTypeAttribute;

public static class Stack;

public static class StackOptions;

public static class StackReference;

public static class StackReferenceArgs;

public static class StackReferenceOutputDetails;

public static class Stash;

public static class StashArgs;

public static class StringAsset;

public static class Union;

public static class Urn;
