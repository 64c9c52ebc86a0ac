using System.CommandLine;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;

namespace GlobalCache.Master.Reconcile;

/// <summary>
/// The operator's commands on the fleet: <c>retire</c>, <c>retire-all</c> and <c>resume</c>. They write to the store beside the running master, which follows with its next pass,
/// or for the next one that is started.
/// </summary>
internal static class OrderCommands
{
    private const int Done = 0, Failed = 2;

    /// <summary>The commands, to be added to the program's own.</summary>
    /// <param name="data">Says which data folder.</param>
    /// <param name="open">The store of a data folder.</param>
    /// <param name="time">The clock.</param>
    public static IReadOnlyList<Command> Of(Option<string> data, Func<string, IObjectStore> open, TimeProvider time)
    {
        var node = new Argument<string>("NODE") { Description = "As the dashboard names it, such as 0.3." };
        node.Validators.Add(result =>
        {
            if (OperatorOrders.Parse(result.GetValueOrDefault<string>()) is null) result.AddError($"{result.GetValueOrDefault<string>()} is no node's name, such as 0.3.");
        });
        var retire = new Command("retire", "Lets a node go for good once its traffic has ended; another takes its place if one is needed.") { node };
        retire.SetAction((parsed, ct) =>
        {
            string name = OperatorOrders.Parse(parsed.GetValue(node))!;
            return OrderAsync(parsed, data, open, time, o => o.Retiring(name), $"Node {name} goes when its traffic has ended, half an hour from now at the latest.", ct);
        });
        var all = new Command("retire-all", "Lets all nodes go once their traffic has ended, and opens none until resume, whichever master runs.");
        all.SetAction((parsed, ct) => OrderAsync(parsed, data, open, time, o => o with { IsHeld = true }, "All nodes go when their traffic has ended, half an hour from now at the latest; none is opened until resume.", ct));
        var resume = new Command("resume", "Lets the fleet run again after retire-all.");
        resume.SetAction((parsed, ct) => OrderAsync(parsed, data, open, time, o => o with { IsHeld = false }, "The fleet runs again.", ct));
        return [retire, all, resume];
    }

    private static async Task<int> OrderAsync(ParseResult parsed, Option<string> data, Func<string, IObjectStore> open, TimeProvider time, Func<OperatorOrders, OperatorOrders> change, string said, CancellationToken ct)
    {
        try
        {
            string folder = parsed.GetValue(data)!;
            GridFolder.Open(folder);
            await new OrderDesk(open(folder), time).ChangeAsync(change, ct);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(said);
            return Done;
        }
        catch (Exception e) when (e is GridUnusableException or StoreTroubleException or IOException or UnauthorizedAccessException)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
            return Failed;
        }
    }
}
