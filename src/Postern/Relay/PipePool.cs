using Postern.Native;

namespace Postern.Relay;

/// <summary>A pipe that bytes rest in on their way from one socket to the other.</summary>
internal readonly record struct Pipe(int Out, int In);

/// <summary>
/// Pipes for all relayed sessions. A session has one only while bytes are in it, so an idle session has none; a few empty
/// ones are kept, so that a packet costs no system calls for making and closing its pipe.
/// </summary>
internal sealed unsafe class PipePool : IDisposable
{
    private const int MaxSpare = 32;

    private readonly Stack<Pipe> _spare = new();

    /// <summary>Pipes that are with sessions.</summary>
    public int InUse { get; private set; }

    /// <summary>Takes an empty pipe; null: there are no descriptors left.</summary>
    public Pipe? Take()
    {
        if (!_spare.TryPop(out var pipe))
        {
            var pair = stackalloc int[2];
            if (Libc.pipe2(pair, Libc.O_NONBLOCK | Libc.O_CLOEXEC) < 0)
                return null;
            pipe = new Pipe(pair[0], pair[1]);
        }

        InUse++;
        return pipe;
    }

    /// <summary>Gives a pipe back.</summary>
    /// <param name="pipe">The pipe.</param>
    /// <param name="isEmpty">Else nobody else may have it.</param>
    public void Return(Pipe pipe, bool isEmpty)
    {
        InUse--;
        if (isEmpty && _spare.Count < MaxSpare)
            _spare.Push(pipe);
        else
            Close(pipe);
    }

    public void Dispose()
    {
        while (_spare.TryPop(out var pipe))
            Close(pipe);
    }

    private static void Close(Pipe pipe)
    {
        _ = Libc.close(pipe.Out);
        _ = Libc.close(pipe.In);
    }
}
