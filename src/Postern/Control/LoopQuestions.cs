namespace Postern.Control;

/// <summary>Asks for what belongs to the loop's thread, and waits for the answer: for threads that may wait.</summary>
/// <param name="post">Runs an action on the loop's thread.</param>
internal sealed class LoopQuestions(Action<Action> post)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <param name="ask">Runs on the loop's thread; must be short.</param>
    /// <exception cref="TimeoutException">The loop does not come to it.</exception>
    public T Ask<T>(Func<T> ask)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        post(() =>
        {
            try
            {
                done.TrySetResult(ask());
            }
            catch (Exception failure)
            {
                done.TrySetException(failure); // it is the asker's
            }
        });
        return done.Task.WaitAsync(Patience).GetAwaiter().GetResult();
    }
}
