using System.Net;
using GlobalCache.Master.Fleets;

namespace GlobalCache.Master.Reconcile;

/// <summary>Something to be done, with its reason as a sentence. Each may be repeated without harm.</summary>
/// <param name="Node">For people; and when one effect on a node fails, the later ones of the same pass are left.</param>
/// <param name="Reason">Why.</param>
internal abstract record Effect(string Node, string Reason);

/// <summary>Write what is to be done with a node, before it is done.</summary>
internal sealed record MarkEffect(NodeView On, Marks Marks, string Reason) : Effect(On.Name, Reason);

/// <summary>Put these addresses in place of those published.</summary>
/// <param name="Addresses">Empty only when the operator has retired all nodes.</param>
/// <param name="Owners">Whose each changed address is: it stays as it was if that node's earlier effect failed.</param>
/// <param name="Reason">Why.</param>
internal sealed record PublishEffect(IReadOnlySet<IPAddress> Addresses, IReadOnlyDictionary<IPAddress, string> Owners, string Reason) : Effect("the DNS", Reason);

/// <summary>Tell a node what it is to do.</summary>
internal sealed record TellEffect(NodeView On, Intent Intent, string Reason) : Effect(On.Name, Reason);

/// <summary>Ask for one more.</summary>
/// <param name="Slot">Its place.</param>
/// <param name="Generation">Which of that place.</param>
/// <param name="Attempt">Rises with refusals.</param>
/// <param name="Replaces">It makes good for a lost one: not counted among the launches an hour.</param>
/// <param name="Reason">Why.</param>
internal sealed record LaunchEffect(int Slot, int Generation, int Attempt, bool Replaces, string Reason) : Effect($"node {Slot}.{Generation}", Reason);

/// <summary>Ask a node for its consent, look at the DNS once more, and end it.</summary>
/// <param name="On">Which.</param>
/// <param name="Insist">Its consent has been waited for long enough, or nobody is there to give it.</param>
/// <param name="Reason">Why.</param>
internal sealed record EndEffect(NodeView On, bool Insist, string Reason) : Effect(On.Name, Reason);

/// <summary>Somebody must look. Said once, until it is over.</summary>
internal sealed record AlarmEffect(string Node, string Reason) : Effect(Node, Reason);
