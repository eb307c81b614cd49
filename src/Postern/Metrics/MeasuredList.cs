using Postern.Core.Dnsbl;

namespace Postern.Metrics;

/// <summary>A DNS list, for monitoring.</summary>
/// <param name="Name">As it may be shown.</param>
/// <param name="Counts">What its answers were.</param>
/// <param name="State">How it is.</param>
/// <param name="Resolver">Who has answered its last check; null: nobody.</param>
/// <param name="Trouble">What was logged about it; null: nothing.</param>
internal sealed record MeasuredList(string Name, ListCounts Counts, ListState State, string? Resolver, string? Trouble)
{
    /// <summary>Whether it counts, and its listings get here.</summary>
    public bool IsHealthy => State is ListState.Healthy;

    /// <summary>What is wrong with it, as a label.</summary>
    public string Problem => State switch
    {
        ListState.Unchecked => "unchecked",
        ListState.ListsEverybody => "lists_everybody",
        ListState.OnlyErrors => "only_errors",
        ListState.Hidden => "rebind_protection",
        _ => "",
    };
}
