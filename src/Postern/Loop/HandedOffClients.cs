using Postern.Core;
using Postern.Core.Screening;
using Postern.Handoff;

namespace Postern.Loop;

/// <summary>
/// Clients on their way to the SMTP server that is given their sockets: they wait until its queue has room, and then until
/// it has taken them. Nothing here waits.
/// </summary>
/// <param name="effects">Lets clients go, and tells sessions that the server cannot be given the client.</param>
/// <param name="register">The loop's.</param>
/// <param name="deadlines">The loop's.</param>
/// <param name="clock">The loop's.</param>
/// <param name="log">Takes warnings.</param>
internal sealed class HandedOffClients(SessionEffects effects, ClientRegister register, Deadlines deadlines, LoopClock clock, LoopLog log)
{
    private const int MaxAttempts = 50; // one second, as long as postscreen waits for a connection
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan TakeOverLimit = TimeSpan.FromSeconds(100);

    /// <summary>Begins to give away a client whose socket is not watched any more.</summary>
    public void Begin(Client client)
    {
        deadlines.Clear(client);
        register.BeginHandOff(client, ClientState.WaitingForServer, client.Service.Handoff!.Service);
        client.HandOffAttempts = 0;
        if (client.Service.Handoff!.Sessions is { } sessions && !sessions.HasRoom(client.Session.IsLetIn))
            effects.OnHandOffFailed(client, new HandoffFailure(CouldConnect: false, client.Service.Handoff.Service, $"it has {sessions.Total} sessions"), isLive: false);
        else
            TryPass(client);
    }

    /// <summary>The server has closed the channel: it has the client.</summary>
    public void OnReady(Client client) => effects.Leave(client);

    /// <summary>The client's deadline has come.</summary>
    public void OnDeadline(Client client)
    {
        if (client.State is ClientState.WaitingForServer)
        {
            TryPass(client);
            return;
        }

        log.Write(LogSeverity.Warning, "timeout sending connection to service " + client.Service.Handoff!.Service);
        client.Session.Facts?.GiveUpHandOff("timeout");
        effects.Leave(client);
    }

    private void TryPass(Client client)
    {
        var result = client.Service.Handoff!.TryPass(client.Descriptor, client.Session, out var channel, out var failure);
        if (result is PassResult.Busy && ++client.HandOffAttempts < MaxAttempts)
        {
            deadlines.Set(client, clock.Ticks, Retry);
        }
        else if (result is PassResult.Passed)
        {
            // The channel stays: that the server closes it is the sign that it has the client.
            client.State = ClientState.HandedOff;
            effects.Sockets.Exchange(client, channel);
            deadlines.Set(client, clock.Ticks, TakeOverLimit);
        }
        else
        {
            effects.OnHandOffFailed(client, failure!, isLive: false);
        }
    }
}
