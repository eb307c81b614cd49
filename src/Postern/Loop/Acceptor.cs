using Postern.Core;
using Postern.Native;

namespace Postern.Loop;

/// <summary>Takes new clients off a listener, as many as there are descriptors for; the others are told to come back.</summary>
/// <param name="budget">How many descriptors there are for clients.</param>
/// <param name="isLetIn">Whether access list or allowlist would let in who has this address; asked where room is short.</param>
/// <param name="begin">Called for each client: service, socket, client address and port, server endpoint.</param>
internal sealed class Acceptor(
    DescriptorBudget budget, Func<RunningService, IpAddress, bool> isLetIn, Action<RunningService, int, IpAddress, ushort, Endpoint> begin) : IDisposable
{
    private const int AcceptsPerRound = 64; // then the clients that are there get their turn

    private int _spareDescriptor = OpenSpare();

    /// <summary>Accepts what is waiting.</summary>
    /// <param name="listener">Where they wait.</param>
    /// <returns>What the administrator should know; null: nothing.</returns>
    public string? Accept(Listener listener)
    {
        string? notice = null;
        for (var i = 0; i < AcceptsPerRound; i++)
        {
            var descriptor = listener.Accept(out var address, out var port, out var server);
            if (descriptor is -Errno.EMFILE or -Errno.ENFILE)
                return TurnAwayWithSpare(listener);

            // A client that left before it was taken is no news; anything else is.
            if (descriptor is -Errno.EAGAIN or -Errno.ECONNABORTED or -Errno.EINTR)
                return notice;
            if (descriptor < 0)
                return "accept connection: " + Errno.Text(-descriptor);

            if (budget.HasRoom(isLetIn: false) || (budget.HasRoom(isLetIn: true) && isLetIn(listener.Service, address)))
                begin(listener.Service, descriptor, address, port, server);
            else
                notice = TurnAway(descriptor);
        }

        return notice;
    }

    public void Dispose()
    {
        if (_spareDescriptor >= 0)
            _ = Libc.close(_spareDescriptor);
    }

    /// <summary>Descriptors are used up: takes the client with the one kept for this, so that it is told instead of left waiting.</summary>
    private string TurnAwayWithSpare(Listener listener)
    {
        Dispose();
        var descriptor = listener.Accept(out _, out _, out _);
        var warning = descriptor >= 0 ? TurnAway(descriptor) : "accept connection: " + Errno.Text(-descriptor);
        _spareDescriptor = OpenSpare();
        return warning;
    }

    private string TurnAway(int descriptor)
    {
        ClientWriter.SendAtOnce(descriptor, "421 4.3.2 No system resources\r\n"u8);
        _ = Libc.close(descriptor);
        return budget.Describe(isLetIn: !budget.HasRoom(isLetIn: true));
    }

    private static int OpenSpare() => Libc.open("/dev/null", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
}
