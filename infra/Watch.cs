using System.Globalization;
using Pulumi;
using Pulumi.Aws.Budgets;
using Pulumi.Aws.Budgets.Inputs;
using Pulumi.Aws.CloudWatch;

namespace GlobalCache.Infra;

/// <summary>
/// The alarm on the bill, and the image builds' log. The bill's is the whole account's: a stack's share can only be told after its tag was activated for billing, and an
/// alarm that counts nothing until then is none.
/// </summary>
internal sealed class Watch : ComponentResource
{
    public Watch(Settings settings, Store store) : base("globalcache:infra:Watch", "watch")
    {
        // Declared before Image Builder would make it, so that it is encrypted and ends.
        BuildLog = new LogGroup("builds", new LogGroupArgs
        {
            Name = BuildLogOf(settings),
            RetentionInDays = settings.LogDays,
            KmsKeyId = store.Key.Arn,
            Tags = settings.Tags("image"),
        }, new CustomResourceOptions { Parent = this, DependsOn = store.KeyPolicy });
        _ = new Budget("month", new BudgetArgs
        {
            Name = settings.NameOf("month"),
            BudgetType = "COST",
            LimitAmount = (settings.MonthlyBudget ?? Costs.Of(settings).Month).ToString("0.00", CultureInfo.InvariantCulture),
            LimitUnit = settings.Policy.Fleet.Currency,
            TimeUnit = "MONTHLY",
            Notifications = { Alarm(settings, "ACTUAL", 80), Alarm(settings, "ACTUAL", 100), Alarm(settings, "FORECASTED", 100) },
            Tags = settings.Tags("watch"),
        }, new CustomResourceOptions { Parent = this });
        RegisterOutputs();
    }

    public LogGroup BuildLog { get; }

    /// <summary>The name that Image Builder gives the log of a recipe's builds.</summary>
    public static string BuildLogOf(Settings settings) => $"/aws/imagebuilder/{settings.NameOf("image")}";

    private static BudgetNotificationArgs Alarm(Settings settings, string kind, double percent) => new()
    {
        ComparisonOperator = "GREATER_THAN",
        NotificationType = kind,
        Threshold = percent,
        ThresholdType = "PERCENTAGE",
        SubscriberEmailAddresses = settings.AlarmEmail,
    };
}
