using System.Text.RegularExpressions;
using FluentValidation;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Infra;

/// <summary>
/// What the owner of a stack decides, as <c>Pulumi.STACK.yaml</c> says it; <c>Pulumi.example.yaml</c> explains each in the owner's words. Names here are the names there.
/// </summary>
internal sealed record Settings
{
    /// <summary>The stack's name: 1 – 24 lower-case letters, digits and hyphens. It is in the names of buckets and roles.</summary>
    public required string Stack { get; init; }

    /// <summary>AWS' region, from <c>aws:region</c>.</summary>
    public required string Region { get; init; }

    /// <summary>The domain that is delegated to AWS for this stack alone.</summary>
    public required string Zone { get; init; }

    /// <summary>SHA-256 of the admin code, 64 hex digits.</summary>
    public required string AdminCodeHash { get; init; }

    /// <summary>Who is told when the bill is about to exceed <see cref="MonthlyBudget"/>.</summary>
    public required string AlarmEmail { get; init; }

    /// <summary>In the account's currency, for the whole account; null: what the policy lets nodes cost, and the master, a month.</summary>
    public decimal? MonthlyBudget { get; init; }

    /// <summary>Private addresses of the network. Default 10.77.0.0/20.</summary>
    public string Network { get; init; } = "10.77.0.0/20";

    /// <summary>Type of the master's machine, and of the one that builds images. Default t3.small.</summary>
    public string MasterType { get; init; } = "t3.small";

    /// <summary>How long the image builds' logs are kept, in days. Default 30.</summary>
    public int LogDays { get; init; } = 30;

    /// <summary>Raised by one, the image is built anew from the newest Amazon Linux though the program is the same. Default 0.</summary>
    public int ImageRevision { get; init; }

    /// <summary>An image beside the current one that nodes may still be started from, during a roll; null: none.</summary>
    public string? PreviousImage { get; init; }

    /// <summary>What machines cost in the region: the built-in table, and what the owner adds to it.</summary>
    public required IReadOnlyList<PricedType> Prices { get; init; }

    /// <summary>All that travels on to master and nodes, with the machine types' prices filled in.</summary>
    public required GridPolicy Policy { get; init; }

    /// <summary>The processor of all machines.</summary>
    public string Architecture => PriceOf(MasterType)?.Architecture ?? PricedType.X64;

    /// <summary>The name all nodes share.</summary>
    public string NodesName => "nodes." + Zone;

    /// <summary>The master's name.</summary>
    public string MasterName => "master." + Zone;

    /// <summary>What the stack's parameters are called.</summary>
    public StackParameters Parameters => new(Stack);

    /// <summary>What machines of a type cost; null: not in the table.</summary>
    public PricedType? PriceOf(string type) => Prices.FirstOrDefault(p => p.Name == type);

    /// <summary>How the network is cut up; null: it is too small, or no network.</summary>
    public NetworkPlan? Plan() => NetworkPlan.Of(Network, Policy.Scaling.Max, Policy.Fleet.Zones);

    /// <summary>Tags of everything that can have some.</summary>
    public Dictionary<string, string> Tags(string role) => new() { ["globalcache:stack"] = Stack, ["globalcache:role"] = role, ["Name"] = $"globalcache-{Stack}-{role}" };

    /// <summary>A name of this stack's in AWS.</summary>
    public string NameOf(string what) => $"globalcache-{Stack}-{what}";
}

/// <summary>What does not go together or means more than itself, all of it at once; every message stands behind the setting's name in the yaml.</summary>
internal sealed class SettingsValidator : AbstractValidator<Settings>
{
    /// <summary>What CloudWatch keeps logs for; it takes no other numbers.</summary>
    private static readonly int[] s_logDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

    private static readonly Regex s_domain = new(@"^(?=.{4,200}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.[a-z][a-z0-9-]{0,61}[a-z0-9]$",
        RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    public SettingsValidator()
    {
        // “globalcache-STACK-ACCOUNT-assets” is a bucket's name, which has 63 characters at most.
        RuleFor(s => s.Stack).Matches("^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$").WithMessage("a stack has a name of 1 to 24 lower-case letters, digits and hyphens; it is '{PropertyValue}'.");
        RuleFor(s => s.Region).Matches("^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$").WithMessage("'{PropertyValue}' is no region such as eu-central-1.");
        RuleFor(s => s.Zone).Must(z => s_domain.IsMatch(z)).WithMessage("'{PropertyValue}' is no domain such as cache.example.org, in lower case and without a trailing dot.");
        RuleFor(s => s.AdminCodeHash).Matches("^[0-9a-f]{64}$").WithMessage("it is the SHA-256 of the admin code, 64 hex digits in lower case; never the code itself.");
        RuleFor(s => s.AlarmEmail).Must(m => m.Length <= 50 && System.Net.Mail.MailAddress.TryCreate(m, out System.Net.Mail.MailAddress? mail) && mail.Address == m).WithMessage("'{PropertyValue}' is no e-mail address of at most 50 characters.");
        RuleFor(s => s.MonthlyBudget).InclusiveBetween(1m, 1_000_000m).WithMessage("a budget is 1 to 1 000 000; it is {PropertyValue}.");
        RuleFor(s => s.Network).Must(n => NetworkPlan.IsPrivate(n)).WithMessage("'{PropertyValue}' is no private network such as 10.77.0.0/20: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, cut to /16 – /27.");
        RuleFor(s => s.Network).Must((s, _) => s.Plan() is not null)
            .When(s => NetworkPlan.IsPrivate(s.Network) && s.Policy.Fleet.Zones is >= 1 and <= 6 && s.Policy.Scaling.Max is >= 1 and <= 1000)
            .WithMessage(s => $"{s.Network} is too small: {s.Policy.Fleet.Zones} zones for {s.Policy.Scaling.Max} nodes and those on their way out, with a subnet for the master, need a /{NetworkPlan.Least(s.Policy.Scaling.Max, s.Policy.Fleet.Zones)}.");
        RuleFor(s => s.LogDays).Must(d => s_logDays.Contains(d)).WithMessage($"CloudWatch keeps logs for one of these numbers of days: {string.Join(", ", s_logDays)}; it is {{PropertyValue}}.");
        RuleFor(s => s.ImageRevision).InclusiveBetween(0, 1_000_000).WithMessage("a revision is 0 to 1 000 000; it is {PropertyValue}.");
        RuleFor(s => s.PreviousImage).Matches("^ami-[0-9a-f]{8,17}$").WithMessage("'{PropertyValue}' is no image such as ami-0123456789abcdef0.");
        RuleForEach(s => s.Prices).SetValidator(new PricedTypeValidator());
        RuleFor(s => s.MasterType).Must((s, t) => s.PriceOf(t) is not null).WithMessage(s => NoPrice(s, s.MasterType));
        RuleFor(s => s.Policy).SetValidator(new GridPolicyValidator());
        RuleForEach(s => s.Policy.Fleet.Types).Must((s, t) => s.PriceOf(t.Name) is not null).WithMessage((s, t) => NoPrice(s, t.Name));
        RuleForEach(s => s.Policy.Fleet.Types).Must((s, t) => s.PriceOf(t.Name) is not { } priced || priced.Architecture == s.Architecture)
            .WithMessage((s, t) => $"{t.Name} is {s.PriceOf(t.Name)!.Architecture} and the master's {s.MasterType} is {s.Architecture}; one image serves both.");
        RuleFor(s => s.Policy).Must(p => p.ToParameter().Length <= PolicyText.MostCharacters)
            .WithMessage(s => $"it is {s.Policy.ToParameter().Length} characters long where it differs from the defaults, and AWS keeps {PolicyText.MostCharacters} in a parameter: share fewer virtual worlds.");
    }

    private static string NoPrice(Settings settings, string type) =>
        $"{type} is not in the price table of {settings.Region}; put it into globalcache:prices with what AWS asks for it there. Known: {string.Join(", ", settings.Prices.Select(p => p.Name).Order(StringComparer.Ordinal))}.";
}
