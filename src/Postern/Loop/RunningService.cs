using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Handoff;
using Postern.Relay;
using Postern.Storage;

namespace Postern.Loop;

/// <summary>A screening service at work: its settings at this moment, its load, its allowlist and where its clients go.</summary>
internal sealed class RunningService
{
    /// <summary>The first field of its line in master.cf.</summary>
    public required string Name { get; init; }

    /// <summary>The snapshot for clients that connect from now on.</summary>
    public required Settings Settings { get; set; }

    /// <summary>Queues and stress mode.</summary>
    public ServiceLoad Load { get; } = new();

    /// <summary>Whether all clients hide behind one address.</summary>
    public SoleAddress Sole { get; } = new();

    /// <summary>Null: no <c>postscreen_cache_map</c>.</summary>
    public required IAllowlist? Allowlist { get; set; }

    /// <summary>Where passing clients go; null: to <see cref="Relay"/>.</summary>
    public required DescriptorPassing? Handoff { get; set; }

    /// <summary>The relay targets of passing clients; null: they go to <see cref="Handoff"/>.</summary>
    public RelayPool? Relay { get; set; }

    /// <summary>The relay targets of clients in the middle of their session; null: these are told to come back.</summary>
    public RelayPool? LiveTarget
    {
        get;
        set
        {
            field = value;
            Load.Offer = value?.Offer;
        }
    }
}
