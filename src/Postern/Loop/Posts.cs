using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Postern.Native;

namespace Postern.Loop;

/// <summary>What other threads want done on the loop's thread; an eventfd(2) wakes it.</summary>
internal sealed unsafe class Posts : IDisposable
{
    private readonly ConcurrentQueue<Action> _actions = new();

    /// <summary>Readable when the loop is to wake up.</summary>
    public int Descriptor { get; } = Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => _actions.IsEmpty;

    /// <summary>Has something done soon. Any thread may call it.</summary>
    public void Add(Action action)
    {
        _actions.Enqueue(action);
        Wake();
    }

    /// <summary>Wakes the loop. Any thread may call it.</summary>
    public void Wake()
    {
        ulong one = 1;
        _ = Libc.write(Descriptor, (byte*)&one, sizeof(ulong)); // full means that it is about to wake anyway
    }

    /// <summary>The loop is awake, and will look at all that is here.</summary>
    public void OnAwake()
    {
        ulong count;
        _ = Libc.read(Descriptor, (byte*)&count, sizeof(ulong));
    }

    /// <summary>The next thing to do.</summary>
    public bool TryTake([NotNullWhen(true)] out Action? action) => _actions.TryDequeue(out action);

    public void Dispose() => _ = Libc.close(Descriptor);
}
