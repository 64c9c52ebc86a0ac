namespace GlobalCache.Policy.Cloud;

/// <summary>
/// Who may use a stack's KMS keys. In a key's own policy the resource is always <c>*</c> and means that key. Without a statement for the account a key could never be
/// administered again, so it has one; for the keys of secrets it gives no use of the key.
/// </summary>
public static class KeyDocuments
{
    private static readonly string[] s_administration =
    [
        "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey", "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource",
        "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
    ];

    /// <summary>A key for parameters with secrets: one role reads and writes them through SSM, and nobody else does, the account's administrators included (they could change this).</summary>
    /// <param name="names">The stack's.</param>
    /// <param name="role">ARN of the role.</param>
    /// <returns>The key's policy.</returns>
    public static IamDocument Secrets(CloudNames names, string role) => new(
    [
        Allow("Administer", Account(names), [.. s_administration]),
        Allow("Use", role, ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], new IamCondition("StringEquals", "kms:ViaService", [$"ssm.{names.Region}.{Suffix(names)}"])),
    ]);

    /// <summary>The key of buckets and logs: whom the account lets use it (nodes and master by their roles), and CloudWatch for one log group.</summary>
    /// <param name="names">The stack's.</param>
    /// <param name="logGroup">ARN of the log group.</param>
    /// <returns>The key's policy.</returns>
    public static IamDocument Store(CloudNames names, string logGroup) => new(
    [
        Allow("AsTheAccountSays", Account(names), ["kms:*"]),
        Allow("Logs", $"logs.{names.Region}.{Suffix(names)}", ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"],
            new IamCondition("ArnEquals", "kms:EncryptionContext:aws:logs:arn", [logGroup])),
    ]);

    private static string Account(CloudNames names) => $"arn:{names.Partition}:iam::{names.Account}:root";

    private static string Suffix(CloudNames names) => names.Partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";

    private static IamStatement Allow(string sid, string principal, string[] actions, params IamCondition[] conditions) =>
        new() { Sid = sid, Principal = principal, Actions = [.. actions], Resources = ["*"], Conditions = [.. conditions] };
}
