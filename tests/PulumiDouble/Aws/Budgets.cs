namespace Pulumi.Aws.Budgets;

public class Budget(string name, BudgetArgs args, CustomResourceOptions? options = null) : CustomResource("aws:budgets/budget:Budget", name, args, options);

public sealed class BudgetArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("budgetType", required: true)]
    public Input<string> BudgetType { get; set; } = null!;

    [Input("limitAmount")]
    public Input<string>? LimitAmount { get; set; }

    [Input("limitUnit")]
    public Input<string>? LimitUnit { get; set; }

    [Input("timeUnit", required: true)]
    public Input<string> TimeUnit { get; set; } = null!;

    [Input("notifications")]
    private InputList<Inputs.BudgetNotificationArgs>? _notifications;

    public InputList<Inputs.BudgetNotificationArgs> Notifications
    {
        get => _notifications ??= new InputList<Inputs.BudgetNotificationArgs>();
        set => _notifications = value;
    }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}
