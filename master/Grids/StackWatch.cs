using System.Text;
using System.Text.RegularExpressions;
using GlobalCache.Master.Policy;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Serving;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Master.Grids;

/// <summary>
/// What <c>pulumi up</c> may change under a running master: the policy document, the image for the next nodes and the admin code, looked at every 15 s. A change is in force within a minute, and neither
/// restarts nor replaces anything; what is bad is refused whole, said once, and what runs stays.
/// </summary>
internal sealed class StackWatch(ParameterStore parameters, StackParameters names, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(15);

    private volatile string _image = "";
    private volatile byte[] _admin = [];
    private string? _doubted, _doubtedAdmin;
    private bool _told;

    /// <summary>The image for the next node.</summary>
    public string Image => _image;

    /// <summary>SHA-256 of the admin code.</summary>
    public byte[] Admin => _admin;

    /// <summary>Reads them for the first time.</summary>
    /// <returns>Null: the policy is no good, which has been said; what was in force before goes on.</returns>
    /// <exception cref="ParameterTroubleException">SSM does not answer.</exception>
    /// <exception cref="CannotStartException">There is no image, or no admin code.</exception>
    public async Task<GridPolicy?> BeginAsync(CancellationToken ct)
    {
        Take(await parameters.ReadAsync(names.Image, ct));
        if (_image.Length == 0) throw new CannotStartException($"The parameter {names.Image} names no image: run pulumi up.");
        TakeAdmin(await parameters.ReadAsync(names.Admin, ct));
        if (_admin.Length == 0) throw new CannotStartException($"The parameter {names.Admin} holds no SHA-256 in 64 hex digits: set globalcache:adminCodeHash and run pulumi up.");
        if (await parameters.ReadAsync(names.Policy, ct) is not { } text) log.PolicyRefused(names.Policy, "It is not there.");
        else if (PolicyText.Read(Encoding.UTF8.GetBytes(text), out IReadOnlyList<string> wrong) is { } policy) return policy;
        else log.PolicyRefused(names.Policy, string.Join(' ', wrong));
        return null;
    }

    /// <summary>Goes on until <paramref name="ct"/>.</summary>
    /// <param name="take">Takes each new policy.</param>
    /// <param name="ct">Ends it.</param>
    public async Task FollowAsync(Action<GridPolicy> take, CancellationToken ct)
    {
        var policy = new PolicyText(take, wrong => log.PolicyRefused(names.Policy, string.Join(' ', wrong)));
        using PeriodicTimer timer = new(s_look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                try
                {
                    if (await parameters.ReadAsync(names.Policy, ct) is { } text) policy.Found(Encoding.UTF8.GetBytes(text), []);
                    else policy.Found([], ["It is not there."]);
                    Take(await parameters.ReadAsync(names.Image, ct));
                    TakeAdmin(await parameters.ReadAsync(names.Admin, ct));
                    _told = false;
                }
                catch (ParameterTroubleException e)
                {
                    // Nothing is known, so nothing changes.
                    if (!_told) log.StackSilent(e.Message);
                    _told = true;
                }
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    private void Take(string? image)
    {
        if (image == _image) return;
        if (image is not null && Regex.IsMatch(image, CloudForms.Image, RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))
        {
            if (_image.Length > 0) log.ImageChanged(image);
            (_image, _doubted) = (image, null);
        }
        else if (image != _doubted)
        {
            log.ImageRefused(names.Image);
            _doubted = image;
        }
    }

    // Never logged, whatever it is: somebody may have put the code itself there.
    private void TakeAdmin(string? hex)
    {
        if (hex is { Length: 64 } && hex.All(char.IsAsciiHexDigit))
        {
            byte[] hash = Convert.FromHexString(hex);
            if (_admin.Length > 0 && !hash.AsSpan().SequenceEqual(_admin)) log.AdminCodeChanged();
            if (!hash.AsSpan().SequenceEqual(_admin)) _admin = hash;
            _doubtedAdmin = null;
        }
        else if (_admin.Length > 0 && hex != _doubtedAdmin)
        {
            log.AdminCodeRefused(names.Admin);
            _doubtedAdmin = hex;
        }
    }
}

/// <summary>What is logged of a stack in AWS, 7240 – 7249.</summary>
internal static partial class StackLog
{
    [LoggerMessage(7240, LogLevel.Warning, "The stack's settings cannot be looked at, and what was in force stays so. {why}")]
    public static partial void StackSilent(this ILogger log, string why);

    [LoggerMessage(7241, LogLevel.Information, "The next nodes are started from {image}.")]
    public static partial void ImageChanged(this ILogger log, string image);

    [LoggerMessage(7242, LogLevel.Error, "{parameter} names no image such as ami-0123456789abcdef0: nodes are started from the one before.")]
    public static partial void ImageRefused(this ILogger log, string parameter);

    [LoggerMessage(7244, LogLevel.Warning, "There is another admin code; whoever had signed in with the one before has to sign in again.")]
    public static partial void AdminCodeChanged(this ILogger log);

    [LoggerMessage(7245, LogLevel.Error, "{parameter} holds no SHA-256 in 64 hex digits: the admin code is the one before.")]
    public static partial void AdminCodeRefused(this ILogger log, string parameter);

    [LoggerMessage(7243, LogLevel.Warning, "grid.json cannot be put where nodes find it: none can start until it is. {why}")]
    public static partial void GridNotPublished(this ILogger log, string why);
}
